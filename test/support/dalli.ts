// Conversations with Ruby's dalli: one process for many questions.

import { describeWith, runProgram } from './interpreters';

export const describeWithDalli = describeWith('ruby-dalli', 'ruby', 'require "dalli"');

const PRELUDE = `# encoding: utf-8
require 'base64'
require 'bigdecimal'
require 'dalli'
require 'json'
Dalli.logger.level = Logger::ERROR

def connect(server, **options)
  Dalli::Client.new([server], **options)
end

# Tells all that Ruby tells apart: classes, encodings, -0.0.
def shown(value)
  encoding = value.is_a?(String) ? " #{value.encoding}" : ''
  "#{value.class}#{encoding} #{value.inspect}"
end

input = JSON.parse(Base64.decode64('@INPUT@'))
output = nil
`;

/**
 * Runs a program that finds `input`, `connect(server, **options)` and `shown(value)`, and leaves its answer in `output`.
 */
export async function askRuby<T>(program: string, input: unknown): Promise<T> {
  const encoded = Buffer.from(JSON.stringify(input)).toString('base64');
  return (await runProgram(
    'ruby',
    `${PRELUDE.replace('@INPUT@', encoded)}\n${program}\nputs JSON.generate(output)\n`,
  )) as T;
}
