import { LOST_GROUP_ID } from '../world/ids.ts';
import { breaking, changing, items, type JsonRecord, type Oddity } from './oddity.ts';

/** A date with the wrong century: 1 January 2099. */
const FAR_FUTURE = 4_070_908_800_000;

function lastMembership(user: JsonRecord): JsonRecord {
  return items(user, 'memberships').at(-1) ?? {};
}

export const USER_ODDITIES: readonly Oddity[] = [
  breaking('id as a string', (user) => {
    user.user_id = String(user.user_id);
  }),
  breaking('membership without its group', (user) => {
    delete lastMembership(user).group_id;
  }),
  breaking('country in three letters', (user) => {
    user.country = 'NLD';
  }),
  breaking('timestamp as text', (user) => {
    lastMembership(user).joined = '2019-04-01T18:00:00Z';
  }),
  {
    ...breaking('record without its key', (user) => {
      delete user.user_id;
    }),
    alone: true,
  },
  {
    ...breaking('memberships that are not a list', (user) => {
      user.memberships = { ...lastMembership(user) };
    }),
    alone: true,
  },
  changing('membership of an unknown group', (user) => {
    const { joined } = lastMembership(user);
    user.memberships = [...items(user, 'memberships'), { joined: joined ?? 0, group_id: LOST_GROUP_ID }];
  }),
  changing('the same membership twice', (user) => {
    const last = lastMembership(user);
    const earlier = typeof last.joined === 'number' ? last.joined - 86_400_000 : 0;
    user.memberships = [...items(user, 'memberships'), { ...last }, { ...last, joined: earlier }];
  }),
  changing('membership in the far future', (user) => {
    const others = items(user, 'memberships').slice(0, -1);
    user.memberships = [...others, { joined: FAR_FUTURE, group_id: lastMembership(user).group_id ?? LOST_GROUP_ID }];
  }),
  changing('no memberships', (user) => {
    user.memberships = [];
  }),
  changing('memberships missing', (user) => {
    delete user.memberships;
  }),
  changing('memberships null', (user) => {
    user.memberships = null;
  }),
  { name: 'duplicate record', spoil: (user) => [user, { ...user }] },
  {
    name: 'older self in the same file',
    spoil: (user) => [{ ...user, city: 'Kerkrade', memberships: items(user, 'memberships').slice(0, 1) }, user],
  },
  changing('only an id', (user) => {
    for (const field of Object.keys(user)) if (field !== 'user_id') delete user[field];
  }),
  changing('right-to-left hometown', (user) => {
    user.hometown = '\u202eדאם-רטסמא\u202c';
  }),
  changing('hometown in emoji', (user) => {
    user.hometown = '🏴‍☠️🌊👨‍👩‍👧‍👦';
  }),
  changing('NUL in a hometown', (user) => {
    user.hometown = 'Den\u0000Haag';
  }),
];
