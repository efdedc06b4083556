export interface Style {
  fg: string
  bg: string
  bold: boolean
  dim: boolean
  italic: boolean
  under: boolean
}
export function plain(): Style
export function escapeHtml(text: string): string
export function lineToHtml(line: string, style: Style): string
