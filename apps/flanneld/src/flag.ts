import type { Address } from '@flannel-ts/ip';

interface FlagBase {
  /** Heading in the help. */
  readonly group: string;
  readonly describe: string;
  /** Variables that are read after `FLANNELD_<NAME>`, in this order, as packages of distributions write them. */
  readonly aliases?: readonly string[];
  /** What the flag needs and does not have yet: given in earnest, it is refused, never ignored. */
  readonly missing?: string;
}

/** How a flag's text becomes a value. */
export type Flag = FlagBase &
  (
    | {
        readonly kind: 'text';
        readonly default: string;
        /** What a text must look like, and what that is called. */
        readonly form?: { readonly pattern: RegExp; readonly name: string };
      }
    | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly default: string }
    | { readonly kind: 'switch'; readonly default: boolean }
    | { readonly kind: 'integer'; readonly default: number; readonly min: number; readonly max: number }
    /** As Go writes one: `24h`, `1h30m`; the value is in milliseconds. */
    | { readonly kind: 'duration'; readonly default: string; readonly min: string; readonly max: string }
    | { readonly kind: 'address'; readonly family?: 4 | 6 }
    | { readonly kind: 'comma-list'; readonly default: string }
    | { readonly kind: 'repeatable' }
  );

/** Flags by name. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** The value of every flag of a table, by name. */
export type Values<Table extends FlagTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

type ValueOf<F> = F extends { kind: 'switch' }
  ? boolean
  : F extends { kind: 'integer' | 'duration' }
    ? number
    : F extends { kind: 'address' }
      ? Address | undefined
      : F extends { kind: 'comma-list' | 'repeatable' }
        ? readonly string[]
        : F extends { kind: 'choice'; choices: readonly (infer Choice)[] }
          ? Choice
          : string;
