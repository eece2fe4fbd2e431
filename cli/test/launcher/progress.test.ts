import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Progress, type Stream } from './modules.ts';

class Screen implements Stream {
  text = '';
  columns = 60;
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.text += text;
  }
}

const twoSteps = async (screen: Screen, options: { quiet: boolean; env: Record<string, string> }) => {
  const progress = new Progress(screen, options);
  await Promise.all([
    progress.step('Installing one', () => delay(250)),
    progress.step('Installing two', () => delay(350)),
  ]);
  progress.stop();
};

describe('the progress of the setup', () => {
  it('is a single redrawn line on a terminal, with the elapsed time of each step', async () => {
    const screen = new Screen(true);
    await twoSteps(screen, { quiet: false, env: {} });
    const drawn = screen.text.split('\r\x1b[2K');
    expect(drawn).toContainEqual(expect.stringMatching(/^\S Installing one \(0\.\d s\), Installing two \(0\.\d s\)$/));
    expect(screen.text).toContain('✔ Installing one: done in 0.');
    expect(screen.text.split('\n')).toHaveLength(3);
  });

  it('is narrower than the terminal', async () => {
    const screen = new Screen(true);
    screen.columns = 20;
    await twoSteps(screen, { quiet: false, env: {} });
    const drawn = screen.text.split('\r\x1b[2K').filter((line) => !line.includes('\n'));
    expect(Math.max(...drawn.map((line) => line.length))).toBe(19);
  });

  it.each([
    ['in a pipe', new Screen(false), {}],
    ['in CI', new Screen(true), { CI: 'true' }],
    ['on a dumb terminal', new Screen(true), { TERM: 'dumb' }],
  ])('is printed as plain lines %s', async (_where, screen, env) => {
    await twoSteps(screen, { quiet: false, env });
    expect(screen.text).toMatch(
      /^Installing one …\nInstalling two …\nInstalling one: done in 0\.\d s\nInstalling two: done in 0\.\d s\n$/,
    );
  });

  it('is not shown with --quiet', async () => {
    const screen = new Screen(true);
    await twoSteps(screen, { quiet: true, env: {} });
    expect(screen.text).toBe('');
  });

  it('does not report a failed step as done', async () => {
    const screen = new Screen(false);
    const progress = new Progress(screen, { quiet: false, env: {} });
    await expect(progress.step('Breaking', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(screen.text).toBe('Breaking …\n');
  });
});
