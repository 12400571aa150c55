/** How far a run of many seeds has come. */
export interface Progress {
  readonly done: number;
  readonly seeds: number;
  readonly steps: number;
  readonly virtualMs: number;
  /** Milliseconds that it has taken. */
  readonly ms: number;
}

/** Returns one line about what has been done. */
export function describeProgress({ done, seeds, steps, virtualMs, ms }: Progress): string {
  const hours = Math.round(virtualMs / 3_600_000);
  return (
    `${done.toLocaleString('en')} of ${seeds.toLocaleString('en')} seeds in ${formatSeconds(ms)} ` +
    `(${((done * 1000) / ms).toFixed(2)} a second), ${hours.toLocaleString('en')} virtual hours, ` +
    `${steps.toLocaleString('en')} steps`
  );
}

/** Returns how long the rest takes at the pace until now. */
export function describeRest({ done, seeds, ms }: Progress): string {
  return done === 0 ? 'no seed is done' : `${formatSeconds((ms / done) * (seeds - done))} left`;
}

/** `1 h 2 min`, `2 min 5 s` */
function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
