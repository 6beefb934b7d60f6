// Writes bytes to stdout with back-pressure, for exports that are piped into something. A reader that leaves early is told
// as such: half an export is not an export.
import { BursarError } from '../errors.ts';

export function writeStdout(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error == null) resolve();
      else
        reject(
          new BursarError('output_unwritable', 'The reader of stdout has gone. The export is not complete.', {
            cause: error,
          }),
        );
    });
  });
}
