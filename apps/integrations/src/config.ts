import {
  ApplicationsSettings,
  AuthorizationSettings,
  ContentSettings,
  DevelopmentSettings,
  ServerSettings,
} from '#libs/service'

/** What integrations reads of the settings file. */
export const INTEGRATIONS_SETTINGS = [
  ApplicationsSettings,
  AuthorizationSettings,
  ContentSettings,
  DevelopmentSettings,
  ServerSettings,
]
