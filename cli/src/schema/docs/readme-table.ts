import type { Contracts } from '../../ingest/schemas.ts';
import { type DescribedProperty, describedProperties } from './properties.ts';

export const BEGIN = '<!-- Written by `meetup schema docs` from the schemas: change those instead. -->';
export const END = '<!-- End of what `meetup schema docs` writes. -->';

/** The text with the table of all files inserted between the two marks; undefined if it has no marks. */
export function withTable(text: string, contracts: Contracts): string | undefined {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin === -1 || end === -1) return undefined;
  return `${text.slice(0, begin + BEGIN.length)}\n\n${tableOf(contracts)}\n${text.slice(end)}`;
}

function tableOf(contracts: Contracts): string {
  const lines = ['| file | field | type | notes |', '|---|---|---|---|'];
  for (const [entity, contract] of contracts) {
    for (const [index, property] of describedProperties(contract).entries()) {
      const cells = [index === 0 ? entity : '', `\`${property.name}\``, property.type, notesOf(property)];
      lines.push(`|${cells.map((cell) => ` ${cell.replaceAll('|', '\\|')}${cell === '' ? '' : ' '}`).join('|')}|`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function notesOf({ isRequired, isKey, personal, description }: DescribedProperty): string {
  const facts = [
    ...(isKey ? ['key'] : []),
    ...(isRequired ? ['required'] : []),
    ...(personal === undefined ? [] : [personal ? 'personal' : 'not personal']),
  ].join(', ');
  return [facts, description].filter((text) => text !== '').join(': ');
}
