/** Kind of a stanza as shape and letters, drawn around 0,0: square, circle, hexagon; an error is a diamond. */
export type GlyphKind = 'message' | 'presence' | 'iq' | 'error';

export const glyphPath: Record<GlyphKind, string> = {
  message: 'M-8-8h16v16h-16z',
  presence: 'M-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0z',
  iq: 'M-9 0l4.5-8h9l4.5 8l-4.5 8h-9z',
  error: 'M0-10.5l10.5 10.5l-10.5 10.5l-10.5-10.5z',
};

export const glyphText: Record<GlyphKind, string> = { message: 'M', presence: 'P', iq: 'iq', error: '!' };
