/** What a device reports to an operator. Steps are in the words of `ip` and `bridge`: `put route 10.5.1.0/24 via …`. */
export type DeviceEvent =
  /** `apply` deleted these: an earlier run or a former desired state left them. */
  | { readonly kind: 'removed'; readonly steps: readonly string[] }
  /** Kernel state drifted from the desired state; these steps repaired it. */
  | { readonly kind: 'repaired'; readonly steps: readonly string[] }
  /**
   * Another process keeps changing this entry or link, which is repaired less and less often: down to once a minute.
   * Reported when it begins and once an hour while it lasts, instead of the repairs.
   */
  | { readonly kind: 'contested'; readonly what: string }
  /** Other processes have left everything alone for minutes: the end of every `contested` before. */
  | { readonly kind: 'uncontested' }
  /** A link differed in something that cannot be changed, and was recreated. */
  | { readonly kind: 'link-recreated'; readonly link: string }
  /** Something failed, for the first time in a row or for another reason than before; it is tried again until it works. */
  | { readonly kind: 'failed'; readonly what: string; readonly error: Error }
  /** Nothing fails any more: the end of every `failed` before. */
  | { readonly kind: 'recovered' };
