import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../src/flag-value.ts';
import { splitArguments } from '../src/go-flags.ts';
import { ignoredFlags } from '../src/ignored-flags.ts';
import { commands, readRequest } from '../src/request.ts';

const SWITCHES = ['ip-masq'];
const split = (args: readonly string[]) => {
  const { texts, rest } = splitArguments(args, (name) => SWITCHES.includes(name));
  return [Object.fromEntries(texts), rest];
};

// What Go 1.19's flag package makes of the same arguments, with a switch ip-masq and text flags.
describe('splitArguments equals Go’s flag package', () => {
  it.each([
    [['-iface', 'eth0'], { iface: ['eth0'] }, []],
    [['--iface=eth0', '-iface', 'eth1'], { iface: ['eth0', 'eth1'] }, []],
    [['-iface', '-x'], { iface: ['-x'] }, []],
    [['--etcd-password', '-secret'], { 'etcd-password': ['-secret'] }, []],
    [['-iface', '--'], { iface: ['--'] }, []],
    [['-iface', '-ip-masq'], { iface: ['-ip-masq'] }, []],
    [['-iface', ''], { iface: [''] }, []],
    [['-iface='], { iface: [''] }, []],
    [['-iface=-x'], { iface: ['-x'] }, []],
    [['-iface=a=b'], { iface: ['a=b'] }, []],
    [['-iface=a\nb'], { iface: ['a\nb'] }, []],
    [['-ip-masq', '-v', '3'], { 'ip-masq': ['true'], v: ['3'] }, []],
    [['-ip-masq=false'], { 'ip-masq': ['false'] }, []],
    [['-ip-masq='], { 'ip-masq': [''] }, []],
    [['-ip-masq', 'false', '-v=3'], { 'ip-masq': ['true'] }, ['false', '-v=3']],
    [['-v=1', '--', '-v=2'], { v: ['1'] }, ['-v=2']],
    [['-v=1', '-', '-v=2'], { v: ['1'] }, ['-', '-v=2']],
    [['', '-v=2'], {}, ['', '-v=2']],
    [['--'], {}, []],
    [[], {}, []],
  ])('%j', (args, texts, rest) => {
    expect(split(args)).toEqual([texts, rest]);
  });

  it.each([
    [['-iface'], '-iface must have a value, such as -iface=VALUE'],
    [['-v=1', '--log_dir'], '-log_dir must have a value, such as -log_dir=VALUE'],
    [['---iface', 'x'], '"---iface" is not a flag'],
    [['-='], '"-=" is not a flag'],
    [['--=x'], '"--=x" is not a flag'],
  ])('refuses %j', (args, message) => {
    expect(() => split(args)).toThrow(new UsageError(message));
  });
});

it('reads any arguments and environment, or throws a UsageError of one line', async () => {
  const names = Object.values(commands).flatMap(({ flags }) => Object.keys(flags));
  const all = [
    ...new Set(names),
    ...Object.keys(ignoredFlags),
    'help',
    'h',
    'version',
    '__proto__',
    'toString',
  ];
  const argument = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('-', '--', '---', '-=', '', 'true', 'cleanup', 'etcd-migrate', '10.5.0.1', '\n'),
    fc
      .tuple(
        fc.constantFrom('-', '--'),
        fc.constantFrom(...all),
        fc.constantFrom('', '=', '=x', '=1', '=-\n'),
      )
      .map((parts) => parts.join('')),
  );
  const variable = fc
    .constantFrom(...all)
    .map((name) => `FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`);
  const environments = fc.dictionary(variable, fc.constantFrom('', '1', 'x', '-\n'), { maxKeys: 2 });
  await fc.assert(
    fc.asyncProperty(fc.array(argument, { maxLength: 6 }), environments, async (args, environment) => {
      const error: unknown = await readRequest(args, environment).catch((reason: unknown) => reason);
      if (!(error instanceof Error)) return;
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).not.toContain('\n');
    }),
    { numRuns: 1000 },
  );
});
