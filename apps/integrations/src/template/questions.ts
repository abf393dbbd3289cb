import type { AuthType } from '#libs/contracts'
import { choice, flag, orList, text, type Field } from './fields.js'
import type { AuthMode, Question, TemplateDefinition } from './template.js'
import { allOf, when, type Visibility } from './visibility.js'

/** All that a form asks: what is common to all vendors around what is particular to one. */
export function questionsOf(
  { displayName, authTypes, fields = {}, scopes = {} }: TemplateDefinition,
  all: readonly AuthType[],
  authModes: readonly AuthMode[],
): Question[] {
  const registered = all.filter((type) => authTypes[type])
  const always = registered.length === all.length
  const common = { auth_type: authTypeOf(displayName, all) }
  if (registered.length === 0) return named({ ...common, ...fields })

  const asked: Visibility = always ? null : when('auth_type', ...registered)
  const canBePublic = authModes.includes('Public')
  return [
    ...named(common),
    ...authModeOf(displayName, registered, authModes, asked),
    ...named({
      ...fields,
      client_id: text({
        label: 'Client ID',
        description: 'Identifies the OAuth application. Its administrator notes it and gives it to you.',
        required: true,
        visible: asked,
        pattern: '^(?!\\.{1,2}$).+$',
      }),
      client_secret: text({
        label: 'Client secret',
        description:
          'The application’s password. Needed for Confidential applications and for service accounts. It is never shown again; a new one takes the place of the old.',
        required: true,
        secret: true,
        visible: canBePublic ? allOf(asked, when('auth_mode', 'Confidential')) : asked,
      }),
    }),
    ...scopesOf(authTypes, registered, asked, scopes),
    ...(registered.includes('Viewer') ? named({ own_callback: ownCallback }) : []),
  ]
}

const ownCallback: Field = flag({
  label: 'Redirect URL of its own',
  description:
    'Browsers come back to the redirect URL with a slash and the GUID of this integration behind it, which the application must then name as its redirect URL. An answer that another vendor was tricked into giving is told by it.',
  visible: when('auth_type', 'Viewer'),
})

/** One question, or one without a choice for service accounts, which need the secret. */
function authModeOf(
  displayName: string,
  registered: readonly AuthType[],
  authModes: readonly AuthMode[],
  asked: Visibility,
): Question[] {
  const question = (modes: readonly AuthMode[], visible: Visibility, otherwise: string): Question => ({
    name: 'auth_mode',
    ...choice(modes as readonly [AuthMode, ...AuthMode[]], {
      label: 'Kind of application',
      description: modes.includes('Public')
        ? 'Confidential applications show a client secret when they ask for tokens, Public ones have none. Choose Confidential when you are not sure.'
        : 'Confidential applications show a client secret when they ask for tokens.',
      default: 'Confidential',
      ...{ visible, otherwise },
    }),
  })
  if (!authModes.includes('Public')) return [question(authModes, asked, `; ${displayName} has no other applications`)]
  if (!registered.includes('Service Account')) return [question(authModes, asked, '')]
  return [
    question(authModes, when('auth_type', 'Viewer'), ''),
    question(['Confidential'], when('auth_type', 'Service Account'), '; a service account needs a client secret'),
  ]
}

const named = (fields: Readonly<Record<string, Field>>): Question[] =>
  Object.entries(fields).map(([name, field]) => ({ name, ...field }))

function authTypeOf(displayName: string, authTypes: readonly AuthType[]): Field {
  const lacking = (['Viewer', 'Service Account'] as const).filter((type) => !authTypes.includes(type))
  const each: Readonly<Record<AuthType, string>> = {
    Viewer: 'Viewer: each viewer consents once, and content acts as the viewer who looks at it.',
    'Service Account':
      'Service Account: content acts as one identity, whoever looks at it. Take care: all publishers and all viewers get the permissions of that identity.',
    'Visitor API Key': 'Visitor API Key: content gets a short-lived API key of this server that acts as the visitor.',
  }
  return choice(authTypes as readonly [AuthType, ...AuthType[]], {
    label: 'Authentication type',
    description: authTypes.map((type) => each[type]).join(' '),
    default: authTypes[0]!,
    ...(lacking.length > 0 && { otherwise: `; ${displayName} integrations cannot be of the type ${orList(lacking)}` }),
  })
}

/** One question, or one for each authentication type where they begin with different scopes. */
function scopesOf(
  authTypes: TemplateDefinition['authTypes'],
  registered: readonly AuthType[],
  asked: Visibility,
  {
    note = '',
    pattern = '^[!#-\\[\\]-~ ]*$',
    must = 'names of scopes with spaces between them',
  }: Required<TemplateDefinition>['scopes'],
): Question[] {
  const question = (scopes: string, visible: Visibility): Question => ({
    name: 'scopes',
    ...text({
      label: 'Scopes',
      description:
        `What is asked for, with spaces between: only what is needed, and only what the application may ask for. ${note}`.trim(),
      ...(scopes !== '' && { default: scopes }),
      ...{ pattern, must, visible, wrongNames: ['scope', 'default_scopes'] },
    }),
  })
  const defaults = registered.map((type) => authTypes[type]!.scopes)
  if (new Set(defaults).size === 1) return [question(defaults[0]!, asked)]
  return registered.map((type, index) => question(defaults[index]!, when('auth_type', type)))
}
