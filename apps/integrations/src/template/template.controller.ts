import { Controller, Get, Param } from '@nestjs/common'
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { NotAudited, RequireRole, ServerSettings } from '#libs/service'
import { templateById, TEMPLATES } from './registry.js'
import { TemplateView, templateView, VisibilityExpression } from './template.dto.js'

@ApiTags('OAuth templates')
@ApiExtraModels(VisibilityExpression)
@Controller('__api__/v1/oauth/templates')
export class TemplateController {
  constructor(private readonly server: ServerSettings) {}

  @Get()
  @ApiOperation({ summary: 'Lists the kinds of integrations, with the forms to make them' })
  @ApiOkResponse({ type: [TemplateView] })
  @RequireRole('publisher')
  @NotAudited('read only')
  list(): TemplateView[] {
    return TEMPLATES.map((template) => templateView(template, this.#redirectUri))
  }

  @Get(':key')
  @ApiOperation({ summary: 'Shows one kind of integration' })
  @ApiParam({ name: 'key', description: 'The template’s id.', example: 'databricks' })
  @ApiOkResponse({ type: TemplateView })
  @RequireRole('publisher')
  @NotAudited('read only')
  get(@Param('key') key: string): TemplateView {
    return templateView(templateById(key), this.#redirectUri)
  }

  get #redirectUri(): string {
    return this.server.urlOf('/__oauth__/integrations/callback')
  }
}
