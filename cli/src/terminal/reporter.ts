import type { Reporter } from '../config/effects.ts';
import { asCalled } from '../text/command.ts';
import type { Style } from '../text/style.ts';
import { truncate } from '../text/text.ts';

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Progress on stderr: one line that is redrawn on a terminal, plain lines elsewhere. */
export function streamReporter(
  output: Output,
  style: Style,
  options: { quiet: boolean; verbose: boolean; live: boolean },
): Reporter & { done(): void } {
  let shown = false;
  const clear = (): void => {
    if (shown) output.write('\r\x1b[2K');
    shown = false;
  };
  const line = (text: string): void => {
    clear();
    output.write(`${asCalled(text)}\n`);
  };
  return {
    note: (text) => {
      if (!options.quiet) line(text);
    },
    warn: (text) => line(style.caution(text)),
    detail: (text) => {
      if (options.verbose) line(style.dim(text));
    },
    progress: (text) => {
      if (options.quiet) return;
      if (options.live) {
        output.write(`\r\x1b[2K${style.dim(truncate(text, (output.columns ?? 80) - 1))}`);
        shown = true;
      } else if (options.verbose) {
        line(style.dim(text));
      }
    },
    done: clear,
  };
}
