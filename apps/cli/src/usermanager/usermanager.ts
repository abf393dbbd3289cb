import { Command, Option } from 'commander'
import { ROLES } from '#libs/contracts'
import type { CommandFactory, Surroundings } from '../command-line.js'
import type { Whereabouts } from '../system.js'
import { carryOut } from './carry-out.js'
import type { Order } from './order.js'
import { alterOrder, auditOrder, deleteOrder, listOrder, transferOrder } from './read-order.js'

/** What can be said with any of the commands. */
interface Common {
  readonly data: string
  readonly identityUrl?: string
  readonly keyFile?: string
  readonly config?: string
  readonly yes?: boolean
}

/** `keybearer usermanager`: users and groups of the running system, at the shell. */
export const usermanager: CommandFactory = {
  build,
  // As the older guides say it: `usermanager --groups --normalize-ids`.
  translate: (argv) => (argv.includes('--normalize-ids') && !argv.includes('alter') ? ['alter', ...argv] : argv),
}

function build({ terminal, environment, operator }: Surroundings): Command {
  const command = new Command('usermanager')
    .description(
      'Lists and changes the users and groups of the running system. Nothing has to be stopped, and every change\n' +
        'stands in the audit log under your name at the shell.',
    )
    .helpCommand(true)
    .configureHelp({ showGlobalOptions: true })

  const perform =
    <Flags>(read: (flags: Flags) => Order) =>
    async (_: unknown, subcommand: Command) => {
      const options = subcommand.optsWithGlobals<Common & Flags>()
      if (options.config !== undefined) terminal.note('--config is not needed: the running system knows its settings.')
      const order = read(options)
      const whereabouts: Whereabouts = {
        data: options.data,
        identityUrl: options.identityUrl ?? environment['KEYBEARER_URL_IDENTITY'],
        keyFile: options.keyFile ?? environment['KEYBEARER_OPERATOR_KEY_FILE'],
      }
      await carryOut(order, { operator: await operator(whereabouts), terminal, yes: options.yes ?? false })
    }
  const subcommand = (name: string, summary: string, description: string, examples: readonly string[]) => {
    const made = new Command(name).summary(summary).description(description)
    made.addHelpText(
      'after',
      `\nExamples:\n${examples.map((line) => `  npx keybearer usermanager ${line}`).join('\n')}`,
    )
    made.configureHelp({ showGlobalOptions: true })
    command.addCommand(made)
    return made
  }

  command
    .option('--data <directory>', 'what Keybearer was started with as --data', '.data')
    .option('--identity-url <url>', 'instead of --data: identity’s internal listener (KEYBEARER_URL_IDENTITY)')
    .option('--key-file <file>', 'instead of the one in --data: the operator’s key (KEYBEARER_OPERATOR_KEY_FILE)')
    .option('-y, --yes', 'do not ask before what cannot be undone; for scripts')
    .addOption(new Option('--config <file>').hideHelp())

  withFormats(
    withKinds(
      subcommand('list', 'shows users or groups', 'Shows all users, or all groups with --groups.', [
        'list',
        'list --users --include-locked --csv > users.csv',
        'list --groups',
      ]),
    ).option('--include-locked', 'locked users, too'),
  ).action(perform(listOrder))

  withGroup(
    withUser(
      withKinds(
        subcommand(
          'alter',
          'changes a user or a group',
          'Changes one user, or one group with --groups.\n\nWhat the login provider says of a user can be set here before a login; the next login sets it again.',
          [
            'alter --username john --new-role administrator',
            'alter --username admin --new-role publisher --force',
            'alter --username john --lock',
            'alter --user-guid 46cb5adb-4036-451f-9f08-0da3197dbc6c --new-unique-id 00u1a2b3',
            'alter --username jon --new-username john --new-first-name John',
            'alter --groups --group-name Analysts --new-owner john',
            'alter --groups --group-name Analysts --drop-owner',
            'alter --groups --normalize-ids',
          ],
        ),
      ),
    ),
  )
    .addOption(new Option('--new-role <role>', 'of a user').choices(ROLES))
    .addOption(new Option('--role <role>', 'older name of --new-role').choices(ROLES).hideHelp())
    .option('--force', 'with --new-role or --lock: even if nobody is administrator afterwards')
    .option('--new-username <name>', 'of a user')
    .option('--new-first-name <name>', 'of a user')
    .option('--new-last-name <name>', 'of a user')
    .option('--new-email <address>', 'of a user')
    .option('--lock', 'keeps a user out, and ends their sessions')
    .option('--unlock', 'lets a user in again')
    .option('--new-unique-id <id>', 'the id by which the login provider knows the user or the group')
    .option('--new-name <name>', 'of a group')
    .option('--new-owner <user>', 'of a group: a username or a GUID')
    .option('--drop-owner', 'of a group: nobody owns it any more')
    .option('--normalize-ids', 'of all groups: makes them fit OAuth2.GroupsByUniqueId after it was turned on or off')
    .action(perform(alterOrder))

  withGroup(
    withUser(
      withKinds(
        subcommand(
          'delete',
          'removes a user or a group, for ever',
          'Removes a user who owns neither content nor groups, or a group with --groups. This cannot be undone: to keep\nsomebody out for a while, use `alter --lock`.',
          ['delete --username john', 'delete --groups --group-name "Old analysts"'],
        ),
      ),
    ),
  ).action(perform(deleteOrder))

  subcommand(
    'transfer',
    'gives what one user has to another',
    'Gives the content and the groups that one user owns, and their memberships, to another. API keys stay with whom\nthey were made for: whoever knows a key acts as its owner. Repeating it does no harm.',
    ['transfer --source-username john --target-username jane'],
  )
    .option('--source-username <name>', 'who gives')
    .option('--source-user-guid <guid>', 'who gives')
    .option('--target-username <name>', 'who receives')
    .option('--target-user-guid <guid>', 'who receives')
    .action(perform(transferOrder))

  withFormats(
    subcommand('audit', 'shows who has changed what', 'Shows the audit log, oldest first.', [
      'audit --since 2026-11-01',
      'audit --csv > audit.csv',
    ]),
  )
    .option('--since <time>', 'only what happened since then: 2026-11-22, or 2026-11-22T08:00:00Z')
    .action(perform(auditOrder))

  return command
}

const withKinds = (command: Command): Command =>
  command.option('--users', 'users; unless --groups is given').option('--groups', 'groups')

const withFormats = (command: Command): Command =>
  command.option('--csv', 'as comma-separated values').option('--json', 'as JSON')

const withUser = (command: Command): Command =>
  command
    .option('--username <name>', 'which user')
    .option('--user-guid <guid>', 'which user, when a name occurs twice')
    .addOption(new Option('--user-id <guid>', 'the same as --user-guid').hideHelp())

const withGroup = (command: Command): Command =>
  command
    .option('--group-name <name>', 'with --groups: which group')
    .option('--group-guid <guid>', 'with --groups: which group, when a name occurs twice')
