import { RT_TABLE_MAIN } from './constants.ts';
import type { Route } from './objects.ts';
import type { Operation } from './operations.ts';

/** An operation in the words of `ip` and `bridge`, for errors and logs; links are numbered: `dev 7`. */
export function describeOperation(operation: Operation): string {
  switch (operation.op) {
    case 'create-link':
      return `link add ${operation.link.name} type ${operation.link.kind}`;
    case 'set-link': {
      const { index, up, mtu, mac, masterIndex, alias } = operation;
      const state = up === undefined ? '' : up ? ' up' : ' down';
      return `link set dev ${index}${state}${word('mtu', mtu)}${word('address', mac)}${word('master', masterIndex)}${word('alias', alias)}`;
    }
    case 'delete-link':
      return `link delete dev ${operation.index}`;
    case 'put-address':
    case 'delete-address': {
      const { address, prefixLength, linkIndex } = operation.address;
      return `address ${verb(operation.op)} ${address.toString()}/${prefixLength} dev ${linkIndex}`;
    }
    case 'put-route':
    case 'delete-route':
      return `route ${verb(operation.op)} ${describeRoute(operation.route)}`;
    case 'put-neighbour':
    case 'delete-neighbour': {
      const { address, mac, linkIndex } = operation.neighbour;
      return `neighbour ${verb(operation.op)} ${address.toString()}${word('lladdr', mac)} dev ${linkIndex}`;
    }
    case 'put-fdb':
    case 'delete-fdb': {
      const { mac, destination, linkIndex } = operation.entry;
      return `fdb ${verb(operation.op)} ${mac}${word('dst', destination?.toString())} dev ${linkIndex}`;
    }
  }
}

function describeRoute(route: Route): string {
  const kind = route.kind === 'unicast' ? '' : `${route.kind} `;
  const via = word('via', route.gateway?.toString());
  const hop = `${via}${word('dev', route.linkIndex)}${route.onlink ? ' onlink' : ''}`;
  const table = route.table === RT_TABLE_MAIN ? undefined : route.table;
  return `${kind}${route.destination.toString()}${hop}${word('table', table)}${word('metric', route.metric)}`;
}

function verb(operation: string): string {
  return operation.startsWith('put') ? 'replace' : 'delete';
}

function word(name: string, value: string | number | undefined): string {
  return value === undefined ? '' : ` ${name} ${value}`;
}
