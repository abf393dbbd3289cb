import { entraTemplate } from './entra-family.js'

/**
 * Azure OpenAI, and the other Azure AI services that share its resource.
 * @see https://learn.microsoft.com/azure/ai-services/authentication
 */
export const azureOpenAi = entraTemplate(
  {
    id: 'azure-openai',
    displayName: 'Azure OpenAI',
    description: 'Models of Azure OpenAI, with tokens of Microsoft Entra ID.',
  },
  'https://cognitiveservices.azure.com',
)
