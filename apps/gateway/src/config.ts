import {
  AuthenticationSettings,
  AuthorizationSettings,
  ContentSettings,
  DevelopmentSettings,
  ExchangeSettings,
  HttpSettings,
  ServerSettings,
} from '#libs/service'

/** What the gateway reads of the settings file. */
export const GATEWAY_SETTINGS = [
  ServerSettings,
  HttpSettings,
  AuthenticationSettings,
  AuthorizationSettings,
  ContentSettings,
  DevelopmentSettings,
  ExchangeSettings,
]
