/** A suite's current kernel for virtual machines: what its packages are called, and its release as `uname -r` prints it. */
export interface KernelPackages {
  /** `6.12.117+deb13-cloud-amd64` */
  readonly release: string;
  /** The packages that hold the kernel and its modules: one, or several since Debian 14. */
  readonly packages: readonly string[];
}

/** The metapackage whose dependencies name the current kernel of a suite. */
export const METAPACKAGE = 'linux-image-cloud-amd64';

const KERNEL_PACKAGE = /^linux-(?:image|binary|modules|base)-(\d\S*-cloud-amd64)$/;

/**
 * Finds the kernel's packages among all that the metapackage depends on.
 * @param depends - what `apt-cache depends --recurse` prints: packages at the start of lines, their dependencies indented
 * @throws when there is no kernel, or more than one
 */
export function findKernelPackages(depends: string): KernelPackages {
  const releases = new Map<string, string[]>();
  for (const line of depends.split('\n')) {
    const release = KERNEL_PACKAGE.exec(line)?.[1];
    if (release) releases.set(release, [...(releases.get(release) ?? []), line]);
  }
  const [first, ...others] = [...releases].map(([release, packages]) => ({ release, packages }));
  if (!first || others.length > 0)
    throw new Error(
      `${METAPACKAGE} must depend on one kernel, not on ${[...releases.keys()].join(' and ') || 'none'}`,
    );
  return first;
}

/** Compares releases by their numbers, `7.2.9+deb14` before `7.2.12+deb14`; negative when the first is older. */
export function compareReleases(first: string, second: string): number {
  return first.localeCompare(second, 'en', { numeric: true });
}
