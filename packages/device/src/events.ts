/** What a device has to say to an operator. */
export type DeviceEvent =
  /** The kernel differed from the desired state; these steps made it equal: `put route 10.5.1.0/24 via …`. */
  | { readonly kind: 'repaired'; readonly steps: readonly string[] }
  /** A link differed in something that cannot be changed, and was made anew. */
  | { readonly kind: 'link-recreated'; readonly link: string }
  /** Something failed, for the first time in a row; it is tried again until it works. */
  | { readonly kind: 'failed'; readonly what: string; readonly error: Error };
