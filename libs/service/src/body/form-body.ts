import { SetMetadata } from '@nestjs/common'

export const FORM_BODY = 'keybearer:form_body'

/**
 * The route takes `application/x-www-form-urlencoded` and `@Body()` is a `Record<string, string>`; every other route
 * takes JSON, whatever the content type says.
 * @throws DomainError `form.missing` without a form, `form.unreadable` when it repeats a parameter or is none
 */
export const FormBody = (): MethodDecorator & ClassDecorator => SetMetadata(FORM_BODY, true)
