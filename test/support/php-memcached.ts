// Conversations with PHP's memcached extension: one process for many questions.

import { describeWith, runProgram } from './interpreters';

export const describeWithPhp = describeWith(
  'php-memcached',
  'php',
  '<?php exit(extension_loaded("memcached") ? 0 : 1);',
);

const PRELUDE = `<?php
set_error_handler(function ($level, $message) { throw new ErrorException($message); });

/** Specifications as ours: host:port:weight, [::1]:port, /path. Options by their names, without OPT_. */
function connect(array $servers, array $options = [], bool $later = false): Memcached {
    $mc = new Memcached();
    $set = function () use ($mc, $options) {
        foreach ($options as $name => $value) {
            if (!$mc->setOption(constant("Memcached::OPT_$name"), $value)) throw new Exception("OPT_$name was refused");
        }
    };
    if (!$later) $set();
    $list = [];
    foreach ($servers as $server) {
        if ($server[0] === '/') $list[] = [$server, 0];
        elseif (preg_match('/^(?:\\[(.+)\\]|([^:]+)):(\\d+)(?::(\\d+))?$/', $server, $found))
            $list[] = [$found[1] ?: $found[2], (int) $found[3], (int) ($found[4] ?? 1)];
        else throw new Exception("no server: $server");
    }
    if (!$mc->addServers($list)) throw new Exception('servers were refused');
    if ($later) $set();
    return $mc;
}

/** Tells all that PHP tells apart: 1 and 1.0, arrays and objects, -0. */
function shown($value): string {
    return json_encode(serialize($value)) ?: bin2hex($value);
}

function must($result, Memcached $mc) {
    if ($result === false) throw new Exception($mc->getResultMessage());
    return $result;
}

$input = json_decode(base64_decode('@INPUT@'), true);
$output = null;
`;

/**
 * Runs a program that finds `$input`, `connect($servers, $options, $later)`, `shown($value)` and `must($result, $mc)`, and
 * leaves its answer in `$output`.
 */
export async function askPhp<T>(program: string, input: unknown): Promise<T> {
  const encoded = Buffer.from(JSON.stringify(input)).toString('base64');
  const script = `${PRELUDE.replace('@INPUT@', encoded)}\n${program}\necho json_encode($output, JSON_THROW_ON_ERROR);\n`;
  return (await runProgram('php', script)) as T;
}

/** php-memcached's version, and that of the libmemcached it was built with. */
export function phpVersions(): Promise<{ php: string; memcached: string }> {
  return askPhp(`$output = ['php' => PHP_VERSION, 'memcached' => phpversion('memcached')];`, null);
}
