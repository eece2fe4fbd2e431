import { COMMAND } from '../config/paths.ts';

/** A text in which the command line is called as it is on this machine: an installed package has no ./meetup. */
export const asCalled = (text: string): string =>
  COMMAND === './meetup' ? text : text.replaceAll('./meetup', COMMAND);
