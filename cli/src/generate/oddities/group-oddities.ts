import { breakingCopy, changing, type Oddity } from './oddity.ts';

export const GROUP_ODDITIES: readonly Oddity[] = [
  breakingCopy('id as a string', (group) => {
    group.group_id = String(group.group_id);
  }),
  breakingCopy('latitude of 200', (group) => {
    group.lat = 200;
  }),
  breakingCopy('invalid link', (group) => {
    group.link = 'meetup dot com slash us';
  }),
  {
    ...breakingCopy('record without its key', (group) => {
      delete group.group_id;
    }),
    alone: true,
  },
  changing('no topics', (group) => {
    group.topics = [];
  }),
  changing('topics missing', (group) => {
    delete group.topics;
  }),
  changing('topics null', (group) => {
    group.topics = null;
  }),
  changing('the same topic twice', (group) => {
    group.topics = ['Open Source', ' open source', 'Open Source'];
  }),
  changing('topics with unusual whitespace and a dotted capital I', (group) => {
    group.topics = ['\tİstanbul\u00a0', 'istanbul', 'Data\u00a0Science'];
  }),
  { name: 'duplicate record', spoil: (group) => [group, { ...group }] },
  changing('long description', (group) => {
    group.description = `<p>${'We meet, we talk, we eat &amp; we code. '.repeat(1200)}</p>`;
  }),
  changing('right-to-left name', (group) => {
    group.name = `مبرمجو ${String(group.city)} – ${String(group.name)}`;
  }),
  changing('name in emoji', (group) => {
    group.name = `👩‍💻🇳🇱 ${String(group.name)} 🚀`;
  }),
  changing('unknown fields', (group) => {
    group.organizer = { member_id: 1, name: 'O’Brien "the Hat"' };
    group.utc_offset = 3_600_000;
  }),
];
