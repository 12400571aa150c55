import { describe, expect, it } from 'vitest';
import { compareReleases, findKernelPackages } from './kernel-packages.ts';

describe('the packages of a kernel', () => {
  it('are one in Debian 12 and 13', () => {
    const depends = `
linux-image-cloud-amd64
  Depends: linux-image-6.12.117+deb13-cloud-amd64
linux-image-6.12.117+deb13-cloud-amd64
  PreDepends: linux-base
  Depends: kmod
  Depends: <linux-initramfs-tool>
linux-base
kmod
`;
    expect(findKernelPackages(depends)).toEqual({
      release: '6.12.117+deb13-cloud-amd64',
      packages: ['linux-image-6.12.117+deb13-cloud-amd64'],
    });
  });

  it('are several since Debian 14, with the files in those that the image depends on', () => {
    const depends = `
linux-image-cloud-amd64
  Depends: linux-base-cloud-amd64
  Depends: linux-image-7.2.12+deb14-cloud-amd64
linux-base-cloud-amd64
  Depends: linux-base-7.2.12+deb14-cloud-amd64
linux-image-7.2.12+deb14-cloud-amd64
  Depends: linux-binary-7.2.12+deb14-cloud-amd64
  Depends: linux-modules-7.2.12+deb14-cloud-amd64
linux-base-7.2.12+deb14-cloud-amd64
linux-binary-7.2.12+deb14-cloud-amd64
linux-modules-7.2.12+deb14-cloud-amd64
`;
    expect(findKernelPackages(depends)).toEqual({
      release: '7.2.12+deb14-cloud-amd64',
      packages: ['image', 'base', 'binary', 'modules'].map(
        (part) => `linux-${part}-7.2.12+deb14-cloud-amd64`,
      ),
    });
  });

  it.each([
    ['none', 'linux-image-cloud-amd64\n'],
    [
      '6.1.0-9-cloud-amd64 and 6.1.0-10-cloud-amd64',
      'linux-image-6.1.0-9-cloud-amd64\nlinux-image-6.1.0-10-cloud-amd64\n',
    ],
  ])('must be those of one kernel, not of %s', (kernels, depends) => {
    expect(() => findKernelPackages(depends)).toThrow(`must depend on one kernel, not on ${kernels}`);
  });
});

it('releases are compared by their numbers', () => {
  const releases = [
    '7.2.13+deb14-cloud-amd64',
    '6.12.117+deb13-cloud-amd64',
    '7.2.9+deb14-cloud-amd64',
    '6.1.0-50-cloud-amd64',
  ];
  expect(releases.toSorted(compareReleases)).toEqual([releases[3], releases[1], releases[2], releases[0]]);
});
