/** The flags that every service has. */
export const serviceHelp = `  --metrics PORT        /metrics for Prometheus, /health, /ready, /links and /trace, on this machine alone; HOST:PORT
                        for others, who see only the first three
  --trace-bodies        /trace shows whole stanzas, and with them what people said
  --log text|json       lines for people (the default), or one object of JSON each
  --log-level LEVEL     error, warn, info (the default) or debug, which says what was refused or dropped. --log alone is
                        --log-level debug`;
