import { readTokenAnswer } from './quirks.js'

const answer = (status: number, contentType: string, body: string) => ({
  status,
  headers: new Headers(contentType ? { 'content-type': contentType } : {}),
  body: Buffer.from(body),
})
const json = (status: number, body: unknown) => answer(status, 'application/json', JSON.stringify(body))
const read = (body: unknown) => readTokenAnswer(json(200, body), [])

describe('the answer of a token endpoint', () => {
  it('is read with all that RFC 6749 knows, and nothing else', () => {
    expect(
      read({
        access_token: 'a',
        token_type: 'bearer',
        refresh_token: 'r',
        id_token: 'i',
        scope: 's',
        expires_in: 60,
        x: 1,
      }),
    ).toEqual({
      kind: 'tokens',
      members: {
        access_token: 'a',
        token_type: 'Bearer',
        refresh_token: 'r',
        id_token: 'i',
        scope: 's',
        expires_in: 60,
      },
    })
  })

  it.each([
    ['JSON as text/plain', 'text/plain', '{"access_token":"a","expires_in":"60"}'],
    ['JSON without a content type', '', ' {"access_token":"a","expires_in":60,"refresh_token":null}'],
    ['a form', 'application/x-www-form-urlencoded; charset=utf-8', 'access_token=a&expires_in=60&refresh_token='],
    ['a form as text/plain', 'text/plain', 'access_token=a&expires_in=60'],
  ])('may be %s', (_case, contentType, body) => {
    expect(readTokenAnswer(answer(200, contentType, body), [])).toEqual({
      kind: 'tokens',
      members: { access_token: 'a', token_type: 'Bearer', expires_in: 60 },
    })
  })

  it.each([
    [undefined, 'Bearer'],
    ['bearer', 'Bearer'],
    ['BEARER', 'Bearer'],
    ['', 'Bearer'],
    [7, 'Bearer'],
    ['Bearer\r\nx: y', 'Bearer'],
    ['user', 'user'],
    ['DPoP', 'DPoP'],
  ])('with token_type %j is of type %s', (token_type, type) => {
    expect(read({ access_token: 'a', token_type })).toMatchObject({ members: { token_type: type } })
  })

  it.each([
    [3600, 3600],
    ['3600', 3600],
    [3599.9, 3599],
    [1, 1],
    [1e99, 31_536_000],
    ['1e99', 31_536_000],
    ['Infinity', 31_536_000],
    [0, 3600],
    [0.5, 3600],
    [-1, 3600],
    ['NaN', 3600],
    ['soon', 3600],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
    [{}, 3600],
    [[3600], 3600],
  ])('B14 with expires_in %j lives %s seconds', (expires_in, seconds) => {
    const reading = read({ access_token: 'a', expires_in })
    expect(reading.kind === 'tokens' && reading.members.expires_in).toBe(seconds)
  })

  it.each([
    ['an HTML page', answer(200, 'text/html', '<html>')],
    ['JSON as text/html', answer(200, 'text/html', '{"access_token":"a"}')],
    ['an empty body', answer(200, 'application/json', '')],
    ['truncated JSON', answer(200, 'application/json', '{"access_token":"a"')],
    ['an empty object', json(200, {})],
    ['a list', json(200, [{ access_token: 'a' }])],
    ['an empty token', json(200, { access_token: '' })],
    ['a token that is no text', json(200, { access_token: { a: 1 } })],
    ['a token with a line break', json(200, { access_token: 'a\r\nset-cookie: b' })],
    ['a token of 100 kB', json(200, { access_token: 'a'.repeat(100_000) })],
    ['a token with status 500', json(500, { access_token: 'a' })],
    ['deeply nested JSON', answer(200, 'application/json', '{"a":'.repeat(40_000))],
    ['some other form', answer(200, 'application/x-www-form-urlencoded', 'a=b')],
  ])('is unintelligible when it is %s', (_case, unintelligible) => {
    expect(readTokenAnswer(unintelligible, [])).toEqual({ kind: 'unintelligible' })
  })

  it.each([
    ['with status 400', json(400, { error: 'invalid_grant' })],
    ['with status 401', json(401, { error: 'invalid_grant' })],
    ['with status 200', json(200, { error: 'invalid_grant' })],
    ['as a form', answer(200, 'application/x-www-form-urlencoded', 'error=invalid_grant&error_description=no')],
  ])('may be an error %s', (_case, error) => {
    expect(readTokenAnswer(error, [])).toEqual({ kind: 'error', error: 'invalid_grant' })
  })

  it('may be called errorCode, by the quirk error_code_and_summary only', () => {
    const error = json(401, { errorCode: 'invalid_client', errorSummary: 'Client authentication failed' })
    expect(readTokenAnswer(error, [])).toEqual({ kind: 'unintelligible' })
    expect(readTokenAnswer(error, ['error_code_and_summary'])).toEqual({ kind: 'error', error: 'invalid_client' })
  })

  it('is translated by the quirk errors_with_status_200 only', () => {
    const error = json(200, { error: 'bad_refresh_token' })
    expect(readTokenAnswer(error, [])).toEqual({ kind: 'error', error: 'bad_refresh_token' })
    expect(readTokenAnswer(error, ['errors_with_status_200'])).toEqual({ kind: 'error', error: 'invalid_grant' })
    expect(readTokenAnswer(json(200, { error: 'incorrect_client_credentials' }), ['errors_with_status_200'])).toEqual({
      kind: 'error',
      error: 'invalid_client',
    })
  })
})

describe('the quirk comma_separated_scope', () => {
  it.each([
    ['repo,gist', 'repo gist'],
    ['repo, gist', 'repo gist'],
    ['repo', 'repo'],
  ])('reads %s', (scope, read) => {
    const answered = json(200, { access_token: 'a', scope })
    expect(readTokenAnswer(answered, ['comma_separated_scope'])).toMatchObject({ members: { scope: read } })
    expect(readTokenAnswer(answered, [])).toMatchObject({ members: { scope } })
  })
})
