import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { z } from 'zod';

const PICTURES = join(dirname(fileURLToPath(import.meta.url)), 'pictures');
/** Pictures are this wide (pixels), so that what is compared is layout, charts and colours, and not how a machine draws letters. */
const WIDTH = 160;
/** The share of pixels that may look different: text that is a line longer, a few bars of another length. */
const TOLERATED = 0.03;
/** How far the height of a page may be from its picture's. */
const HEIGHT_TOLERATED = 0.05;

const answerSchema = z.object({ small: z.string(), height: z.number(), different: z.number().nullable() });

/** Scales a screenshot down and counts the pixels that look different from a picture, in the browser itself. */
const COMPARE = `async ({ shot, picture, width }) => {
  const load = async (url) => { const image = new Image(); image.src = url; await image.decode(); return image; };
  const draw = (image, height) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, width, height);
    return { canvas, data: context.getImageData(0, 0, width, height).data };
  };
  const image = await load(shot);
  const height = Math.round((image.naturalHeight / image.naturalWidth) * width);
  const own = draw(image, height);
  const bytes = new Uint8Array(await (await own.canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  const small = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  if (picture === null) return { small, height, different: null };
  const known = await load(picture);
  const [a, b] = [draw(image, known.naturalHeight).data, draw(known, known.naturalHeight).data];
  let different = 0;
  for (let at = 0; at < a.length; at += 4) {
    if ([0, 1, 2].some((colour) => Math.abs(a[at + colour] - b[at + colour]) > 48)) different += 1;
  }
  return { small, height, different: different / (a.length / 4) };
}`;

const urlOf = (png: Buffer | string): string =>
  `data:image/png;base64,${typeof png === 'string' ? png : png.toString('base64')}`;

/**
 * Compares how a page looks with its picture in `pictures/`. MEETUP_NEW_PICTURES=1 writes the pictures anew: look at them before
 * you commit them.
 */
export async function expectToLookAsBefore(page: Page, name: string): Promise<void> {
  const file = join(PICTURES, `${name}.png`);
  const renews = process.env.MEETUP_NEW_PICTURES === '1';
  const known = existsSync(file) && !renews ? await readFile(file) : undefined;
  const given = {
    shot: urlOf(await page.screenshot({ fullPage: true })),
    picture: known === undefined ? null : urlOf(known),
    width: WIDTH,
  };
  // An empty page, because the dashboard's own loads no pictures from data.
  const judge = await page.context().newPage();
  const { small, height, different } = answerSchema.parse(
    await judge.evaluate(`(${COMPARE})(${JSON.stringify(given)})`),
  );
  await judge.close();
  if (renews) {
    await mkdir(PICTURES, { recursive: true });
    await writeFile(file, Buffer.from(small, 'base64'));
    return;
  }
  if (known === undefined) throw new Error(`${file} is missing: MEETUP_NEW_PICTURES=1 writes it.`);
  // The height of a PNG, from its header.
  const before = known.readUInt32BE(20);
  expect(
    Math.abs(height - before) / before,
    `${name} has another height than its picture of the sample`,
  ).toBeLessThanOrEqual(HEIGHT_TOLERATED);
  expect(different, `${name} looks different from its picture of the sample`).toBeLessThanOrEqual(TOLERATED);
}
