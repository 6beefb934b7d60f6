// oclif's help, except that asking for help on something that doesn't exist is refused as an unknown command is.
import { type Command, Help, type Interfaces } from '@oclif/core';
import { unknownCommand } from './command-not-found.ts';

export default class BursarHelp extends Help {
  constructor(config: Interfaces.Config, options: Partial<Interfaces.HelpOptions> = {}) {
    super(config, { ...options, hideAliasesFromRoot: true });
  }

  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => !word.startsWith('-'));
    const { config } = this;
    const isKnown = words.length === 0 || findSubject(words, config) !== undefined;
    if (!isKnown) throw unknownCommand(words.join(':'), config as Parameters<typeof unknownCommand>[1]);
    await super.showHelp(argv);
  }
}

// The longest run of words that is a command or a topic; what follows it is arguments.
function findSubject(words: string[], config: Interfaces.Config): Command.Loadable | Interfaces.Topic | undefined {
  const id = words.slice(0, 2).join(':');
  return (
    config.findCommand(id) ?? config.findTopic(id) ?? config.findCommand(words[0] ?? '') ?? topicAlone(words, config)
  );
}

function topicAlone(words: string[], config: Interfaces.Config): Interfaces.Topic | undefined {
  return words.length === 1 ? config.findTopic(words[0] ?? '') : undefined;
}
