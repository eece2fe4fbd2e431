/** One word for bash and zsh, whatever it contains. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** One word for fish, in which a backslash escapes inside quotes too. */
export const fishWord = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
