import pc from 'picocolors';

/** Text styles: colours only on a terminal. */
export interface Style {
  readonly colour: boolean;
  /** The maximum width of a line. */
  readonly width: number;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  caution(text: string): string;
  accent(text: string): string;
}

/** Colours are for terminals, unless NO_COLOR or CI is set (https://no-color.org). */
export function styleFor(
  stream: { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const colour = stream.isTTY === true && !env.NO_COLOR && !env.CI && env.TERM !== 'dumb';
  const c = pc.createColors(colour);
  return {
    colour,
    width: stream.columns ?? 120,
    bold: c.bold,
    dim: c.dim,
    good: c.green,
    bad: c.red,
    caution: c.yellow,
    accent: c.cyan,
  };
}
