// Where bursar keeps what it must remember apart from any book: the user's state directory.
import { isAbsolute, join } from 'node:path';
import { BursarError } from '../errors.ts';
import { type Environment, userFolder } from './load.ts';

/**
 * BURSAR_STATE_DIR, else `bursar` in XDG_STATE_HOME, else in ~/.local/state (XDG base directory specification). A
 * relative BURSAR_STATE_DIR is refused (`invalid_config`): under cron it would be another folder than on a terminal.
 */
export function stateFolder(env: Environment): string {
  const named = env.BURSAR_STATE_DIR;
  if (named === undefined || named === '') return join(userFolder(env.XDG_STATE_HOME, '.local/state', env), 'bursar');
  if (isAbsolute(named)) return named;
  throw new BursarError('invalid_config', 'BURSAR_STATE_DIR is not an absolute path. Nothing was sent or written.', {
    hint: 'Give the whole path of a folder that stays, such as /var/lib/bursar.',
  });
}
