import { googleTemplate, scope } from './google-family.js'

/** @see https://cloud.google.com/vertex-ai/docs/authentication */
export const vertexAi = googleTemplate(
  { id: 'vertex-ai', displayName: 'Vertex AI', description: 'Models of Vertex AI.' },
  scope('cloud-platform'),
)
