import { civilDate, DAY, dayNumber } from '../chance/calendar.ts';
import { type Random, Weighted } from '../chance/random.ts';
import { FIRST_DAY, LAST_DAY } from './world.ts';

/** Draws days within the generated period with probabilities given by their years. */
class DaysByYear {
  private readonly years: Weighted;

  constructor(private readonly weights: readonly (readonly [year: number, weight: number])[]) {
    this.years = new Weighted(weights.map(([year, weight]) => weight * shareOfYear(year)));
  }

  draw(random: Random): number {
    const [year] = this.weights[this.years.draw(random)] ?? [2015];
    const from = Math.max(FIRST_DAY, dayNumber(year, 1, 1));
    const to = Math.min(LAST_DAY, dayNumber(year + 1, 1, 1));
    return from + random.below(to - from);
  }
}

function shareOfYear(year: number): number {
  const from = Math.max(FIRST_DAY, dayNumber(year, 1, 1));
  const to = Math.min(LAST_DAY, dayNumber(year + 1, 1, 1));
  return (to - from) / 365;
}

/** When people join the site: growth until 2019, a slump during the pandemic, and slower growth after it. */
export const yearlyArrivals = new DaysByYear([
  [2008, 1],
  [2009, 1.5],
  [2010, 2.5],
  [2011, 4],
  [2012, 6],
  [2013, 8],
  [2014, 10],
  [2015, 12],
  [2016, 14],
  [2017, 15],
  [2018, 16],
  [2019, 16],
  [2020, 7],
  [2021, 5],
  [2022, 8],
  [2023, 10],
  [2024, 11],
  [2025, 12],
  [2026, 12.5],
  [2027, 13],
]);

/** When groups are founded. */
export const yearlyFoundings = new DaysByYear([
  [2008, 1],
  [2009, 1.5],
  [2010, 2.5],
  [2011, 4],
  [2012, 6],
  [2013, 8],
  [2014, 9],
  [2015, 11],
  [2016, 12],
  [2017, 12],
  [2018, 10],
  [2019, 9],
  [2020, 3],
  [2021, 2.5],
  [2022, 7],
  [2023, 9],
  [2024, 9.5],
  [2025, 9.5],
  [2026, 9.5],
  [2027, 9.5],
]);

const PANDEMIC_FROM = dayNumber(2020, 3, 13);
const PANDEMIC_TO = dayNumber(2021, 9, 25);

export function inPandemic(day: number): boolean {
  return day >= PANDEMIC_FROM && day < PANDEMIC_TO;
}

const MONTHS = [0.92, 1.05, 1.12, 0.95, 1, 1.05, 0.5, 0.42, 1.12, 1.25, 1.22, 0.6];

/** How likely a meeting is on a day, from 0 to 1: summers and the end of the year are quiet. */
export function season(day: number): number {
  const { month, day: ofMonth } = civilDate(day);
  if ((month === 12 && ofMonth >= 22) || (month === 1 && ofMonth <= 3)) return 0.03;
  if (month === 4 && ofMonth === 27) return 0.05;
  return (MONTHS[month - 1] ?? 1) / 1.25;
}

/** The share of activity on the site by hour of the day in Amsterdam: mostly at noon and in the evening. */
const HOURS = [1.2, 0.5, 0.2, 0.1, 0.1, 0.2, 0.8, 2, 4, 6, 6.5, 6, 6, 5.5, 5.5, 5.5, 6, 6, 5.5, 6, 7, 7.5, 6, 3];

/** The minute of the day for each 1/1024 of a day's answers. */
const RHYTHM = rhythm();

function rhythm(): Int16Array {
  const total = HOURS.reduce((sum, share) => sum + share, 0);
  const minutes = new Int16Array(1024);
  let hour = 0;
  let before = 0;
  for (let i = 0; i < minutes.length; i += 1) {
    const at = ((i + 0.5) / minutes.length) * total;
    while (before + (HOURS[hour] ?? 1) < at) {
      before += HOURS[hour] ?? 1;
      hour += 1;
    }
    minutes[i] = Math.floor((hour + (at - before) / (HOURS[hour] ?? 1)) * 60);
  }
  return minutes;
}

/** Moves a moment within its day to a likely hour. Assumes that Amsterdam is one hour ahead of UTC. */
export function atWakingHour(instant: number, random: Random): number {
  const minute = RHYTHM[random.below(1024)] ?? 0;
  return Math.floor(instant / DAY) * DAY + (minute - 60) * 60_000 + random.below(60_000);
}
