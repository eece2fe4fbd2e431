import { existsSync } from 'node:fs';

/** Where Debian and others put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser that pages are opened in; undefined if none is installed. */
export const chromiumExecutable = process.env.MEETUP_CHROMIUM ?? PLACES.find((place) => existsSync(place));

/** Holds once every figure of a page of the dashboard has been drawn. */
export const READY = 'html[data-state="ready"]';
