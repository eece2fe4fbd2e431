import { MeetupError } from '../config/errors.ts';

/** @throws MeetupError if no name was given. */
export function requireBranchName(name: string | undefined): string {
  if (name !== undefined) return name;
  throw new MeetupError('Which branch? Give its name, or --list to see the branches there are.');
}
