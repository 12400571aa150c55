/** What `bpftool -j btf dump` prints, as far as it is read here. */
export interface Btf {
  readonly types: readonly BtfType[];
}

interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  /** Bytes. */
  readonly size?: number;
  readonly type_id?: number;
  readonly nr_elems?: number;
  readonly members?: readonly {
    readonly name: string;
    readonly type_id: number;
    readonly bits_offset: number;
  }[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
  readonly vars?: readonly { readonly type_id: number }[];
}

interface Member {
  readonly at: number;
  readonly bytes: number;
  readonly bigEndian?: true;
}

interface Types {
  readonly structs: Readonly<
    Record<string, { readonly bytes: number; readonly members: Record<string, Member> }>
  >;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/**
 * Lays out the structures that maps and constants consist of, and numbers the enumerations in
 * them. Members become camel case: `local_port` is `localPort`, and `OWNER_SELF` of `enum owner` is
 * `self`.
 */
export function describeTypes({ types }: Btf): Types {
  const structs: Record<string, Types['structs'][string]> = {};
  const enums: Record<string, Record<string, number>> = {};
  const type = (id: number) => types[id - 1]!;
  const variables = types
    .filter(({ kind, name }) => kind === 'DATASEC' && (name === '.maps' || name === '.rodata'))
    .flatMap(({ vars }) => vars!.map(({ type_id }) => type(type(type_id).type_id!)));

  for (const variable of variables) {
    // A map is an anonymous structure, whose members "key" and "value" are pointers to what it has.
    if (variable.name === '(anon)' && variable.kind === 'STRUCT')
      for (const { name, type_id } of variable.members!)
        if (name === 'key' || name === 'value') describe(type(type(type_id).type_id!));
    describe(variable);
  }
  return { structs, enums };

  function describe(found: BtfType): void {
    const { kind, name, size, members, values } = resolve(found);
    if (name === '(anon)') return;
    if (kind === 'ENUM')
      enums[camelCase(name)] = Object.fromEntries(
        values!.map(({ name: value, val }) => [camelCase(value.slice(name.length + 1)), val]),
      );
    if (kind !== 'STRUCT') return;
    structs[camelCase(name)] = {
      bytes: size!,
      members: Object.fromEntries(
        members!.map(({ name: member, type_id, bits_offset }) => {
          const bigEndian = type(type_id).name.startsWith('__be') && { bigEndian: true as const };
          return [camelCase(member), { at: bits_offset / 8, bytes: bytesOf(type(type_id)), ...bigEndian }];
        }),
      ),
    };
    for (const { type_id } of members!) describe(type(type_id));
  }

  /** What names and qualifiers stand for. */
  function resolve(found: BtfType): BtfType {
    const names = ['TYPEDEF', 'CONST', 'VOLATILE'];
    return names.includes(found.kind) ? resolve(type(found.type_id!)) : found;
  }

  function bytesOf(found: BtfType): number {
    const { kind, nr_elems, type_id, size } = resolve(found);
    return kind === 'ARRAY' ? nr_elems! * bytesOf(type(type_id!)) : size!;
  }
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
