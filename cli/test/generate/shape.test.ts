import { describe, expect, it } from 'vitest';
import { ENTITIES, generated, schemaOf } from './support/data-set.ts';

describe.each([{ scale: 0.01 }, { scale: 0.18 }])('a data set of scale $scale', async ({ scale }) => {
  const data = await generated({ scale, seed: 2, days: 5 });

  it.each(ENTITIES)('has at most half a percent of %s that fail validation', (entity) => {
    const records = data.all(entity);
    const broken = records.filter((record) => !schemaOf(entity)(record));
    expect(broken.length).toBeLessThanOrEqual(records.length * 0.005);
  });

  it('has no record in its daily drops that fails validation', () => {
    for (const day of data.days) {
      for (const entity of ENTITIES.filter((name) => data.has(name, day))) {
        expect(data.all(entity, day).filter((record) => !schemaOf(entity)(record))).toEqual([]);
      }
    }
  });

  it('has one record per line in each array', () => {
    for (const entity of ENTITIES) {
      const lines = data.text(entity).split('\n');
      expect(lines[0]).toBe('[');
      expect(lines.slice(-2)).toEqual([']', '']);
      const records = lines.slice(1, -2).map((line) => line.replace(/,$/, ''));
      expect(records.length).toBe(data.all(entity).length);
      for (const at of [0, 1, records.length >> 1, records.length - 1]) {
        expect(JSON.parse(records[at] ?? '')).toEqual(data.all(entity)[at]);
      }
    }
  });

  it('identifies each event by group, creation and start, except for deliberate duplicates', () => {
    const seen = new Map<string, number>();
    const events = data.sound('events');
    for (const { group_id, created, time } of events) {
      const key = `${group_id} ${created} ${time}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    const twice = [...seen.values()].filter((count) => count > 1).length;
    expect(twice).toBeGreaterThanOrEqual(2);
    expect(twice).toBeLessThanOrEqual(2 + events.length / 1000);
  });

  it('has durations in milliseconds', () => {
    const minutes = data
      .sound('events')
      .map(({ duration }) => (duration ?? 0) / 60_000)
      .filter((duration) => duration > 0);
    const usual = minutes.filter((duration) => duration >= 60 && duration <= 1440);
    expect(usual.length / minutes.length).toBeGreaterThan(0.98);
  });
});
