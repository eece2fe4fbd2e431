import { describe, expect, it } from 'vitest';
import { chosenFrom, parseKeys, parseSample, wordsOf } from '../../src/pull/choice.ts';

describe('the choice of what to pull', () => {
  it('is a list of values of a key, each once', () => {
    expect(parseKeys('group_id=1, 2,1')).toEqual({ key: 'group_id', wanted: { kind: 'values', values: ['1', '2'] } });
  });

  it('is a share of the values of a key', () => {
    expect(parseSample('shop.orders.id=0.5%').wanted).toEqual({ kind: 'share', perTenThousand: 50 });
    expect(parseSample('id=0.01').wanted).toEqual({ kind: 'share', perTenThousand: 100 });
  });

  it.each(['group_id', 'group_id=', '=1', 'group_id=,'])('refuses %j as keys without repeating a value', (text) => {
    expect(() => parseKeys(text)).toThrow('--keys takes KEY=VALUE,VALUE, such as group_id=1,2.');
  });

  it.each(['group_id=0%', 'group_id=101%', 'group_id=many', '1%'])('refuses %j as a share', (text) => {
    expect(() => parseSample(text)).toThrow(/--sample takes KEY=SHARE, such as group_id=1%/);
  });

  it('is given once', () => {
    expect(() => chosenFrom({ keys: 'a=1', sample: 'a=1%' })).toThrow('--keys and --sample both choose what to pull');
  });

  it('is described without its values', () => {
    expect(wordsOf(parseKeys('email=ann@example.org,bob@example.org'))).toBe('2 values of email');
  });
});
