/** Where the figures of a service may be read. */
export interface MetricsPlace {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `9464` or `192.0.2.1:9464`, `[::1]:9464`. Without a host it is this machine alone. */
export function metricsPlace(text: string): MetricsPlace | { readonly error: string } {
  const [, bracketed, plain, digits = text] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)(\d+)$/.exec(text) ?? [];
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port > 65535)
    return { error: `${JSON.stringify(text)} is not PORT or HOST:PORT, such as 9464` };
  return { host: bracketed ?? plain ?? '127.0.0.1', port };
}
