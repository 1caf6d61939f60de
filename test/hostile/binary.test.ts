// Hostile servers that were asked in the binary protocol: every operation ends in time, with a proper error or a legitimate
// miss; never with a value that was not asked for, and never with the process.

import { underAttack } from '../support/attacks';

underAttack('common', 'true');
underAttack('binaryOnly', 'true');
