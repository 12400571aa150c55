import type { InterfaceAddress } from '@flannel-ts/ip';
import type { RouteSink, RouteSnapshot, TunnelRoute } from '@flannel-ts/tunnel';

/** Subnets and routes, kept for a tunnel that is opened later. */
export interface RouteMemory extends RouteSink {
  /** Returns what it holds now. */
  snapshot(): RouteSnapshot;
}

/** @param initial - what it holds at first. @default nothing */
export function createRouteMemory(initial?: RouteSnapshot): RouteMemory {
  let localSubnets: readonly InterfaceAddress[] = initial?.localSubnets ?? [];
  const routes = new Map<string, TunnelRoute>();

  const add = (route: TunnelRoute) => void routes.set(route.destination.toString(), route);
  initial?.routes.forEach(add);
  return {
    setLocalSubnets(subnets) {
      localSubnets = subnets;
    },
    setRoutes(all) {
      routes.clear();
      all.forEach(add);
    },
    updateRoutes(change) {
      for (const destination of change.remove) routes.delete(destination.toString());
      change.add.forEach(add);
    },
    snapshot: () => ({ localSubnets, routes: [...routes.values()] }),
  };
}
