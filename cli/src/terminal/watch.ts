import type { WatchKey } from '../commands/dev-watch.ts';
import type { Reporter } from '../config/effects.ts';
import type { Style } from '../text/style.ts';
import { formatDuration, plural } from '../text/text.ts';
import { renderProblem, renderVerdict } from '../text/verdict.ts';
import type { WatchEvent } from '../watch/events.ts';

const KEYS = 'a rebuild all · t tests · f failing · enter again · q quit';

/** Renders a watch's events: a line per change and per outcome, and one line that is redrawn. */
export function watchScreen(
  reporter: Reporter,
  print: (text: string) => void,
  style: Style,
): (event: WatchEvent) => void {
  const running = new Set<string>();
  return (event) => {
    switch (event.event) {
      case 'ready':
        print(`${style.good('Watching.')} ${style.dim(KEYS)}`);
        break;
      case 'change':
        running.clear();
        if (event.files.length > 0) print(`\n${style.accent('●')} ${shownFiles(event.files)}`);
        reporter.progress('finding what it affects …');
        break;
      case 'load':
        print(`  data ${event.status}`);
        break;
      case 'started':
        running.add(event.name);
        reporter.progress([...running].join(', '));
        break;
      case 'model':
      case 'test':
        running.delete(event.name);
        if (event.status === 'fail' || event.status === 'warn') print(renderVerdict(event, style));
        else if (event.event === 'model' && event.status === 'pass')
          print(`  ${style.good('✓')} ${event.name} ${style.dim(formatDuration(event.ms))}`);
        break;
      case 'problem':
        print(renderProblem("The dbt project can't be read", event.problem, style));
        break;
      case 'superseded':
        print(style.dim('  a newer change arrived: starting over'));
        break;
      case 'done':
        print(closing(event, style));
        reporter.progress(style.dim(`watching · ${KEYS}`));
        break;
    }
  };
}

/** The pressed key, if it is one that meetup handles. */
export function keyOf(pressed: string): WatchKey | 'interrupt' | undefined {
  const keys: Readonly<Record<string, WatchKey | 'interrupt'>> = {
    a: 'all',
    t: 'tests',
    f: 'failing',
    q: 'quit',
    '\r': 'again',
    '\n': 'again',
    '\u0003': 'interrupt',
  };
  return keys[pressed];
}

function shownFiles(files: readonly string[]): string {
  const [first] = files;
  return files.length > 3 ? `${first} and ${plural(files.length - 1, 'other file')}` : files.join(', ');
}

function closing(done: Extract<WatchEvent, { event: 'done' }>, style: Style): string {
  const time = style.dim(formatDuration(done.ms));
  if (done.error !== undefined) return `${style.bad('✗')} ${done.error} ${time}`;
  const failing =
    done.failing.length > 0
      ? `; ${style.bad(`${done.failing.length} failing`)}: ${done.failing.slice(0, 5).join(', ')}`
      : '';
  const what = done.built.length === 0 ? 'nothing to rebuild' : `${plural(done.built.length, 'model')} built`;
  const removed = done.removed.length > 0 ? `, ${done.removed.join(', ')} dropped` : '';
  const mark = done.status === 'pass' ? style.good('✓') : style.bad('✗');
  return `${mark} ${what}${spared(done)}${removed}${failing} ${time}`;
}

/** `fct_rsvps unchanged → 9 models skipped` */
function spared(done: Extract<WatchEvent, { event: 'done' }>): string {
  if (done.spared.length === 0) return '';
  const shown = done.unchanged.slice(0, 2).join(', ') + (done.unchanged.length > 2 ? ' …' : '');
  return `, ${shown === '' ? '' : `${shown} unchanged → `}${plural(done.spared.length, 'model')} skipped`;
}
