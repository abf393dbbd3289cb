import type { ContentKind } from '#libs/contracts'

const KINDS = {
  unknown: ['unknown'],
  interactive: [
    'api',
    'jupyter-voila',
    'nodejs',
    'python-api',
    'python-bokeh',
    'python-dash',
    'python-fastapi',
    'python-gradio',
    'python-panel',
    'python-shiny',
    'python-streamlit',
    'quarto-shiny',
    'rmd-shiny',
    'shiny',
    'tensorflow-saved-model',
  ],
  rendered: ['jupyter-static', 'quarto-static', 'rmd-static'],
  static: ['static'],
} as const

/** What runs the content. Wire name: `app_mode`. */
export type AppMode = (typeof KINDS)[ContentKind][number]

const BY_MODE = new Map<string, ContentKind>(
  Object.entries(KINDS).flatMap(([kind, modes]) => modes.map((mode) => [mode, kind as ContentKind])),
)

export const APP_MODES = [...BY_MODE.keys()] as AppMode[]

export const kindOf = (mode: AppMode): ContentKind => BY_MODE.get(mode) ?? 'unknown'
