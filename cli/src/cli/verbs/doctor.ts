import { type Cli, TARGETS } from '../declare.ts';

export const doctor = ({ program, run }: Cli) =>
  program
    .command('doctor')
    .description('check the machine, the toolchain and the profile, and explain how to fix problems')
    .action(() =>
      run(
        async (session) => {
          const command = await import('../../commands/doctor.ts');
          const { renderDoctor } = await import('../../terminal/doctor.ts');
          const options = { paths: session.paths, target: session.options.target };
          return session.finish(await command.run(options, session.effects), { text: renderDoctor, essential: true });
        },
        { targets: TARGETS },
      ),
    );
