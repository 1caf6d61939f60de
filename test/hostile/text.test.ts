// As binary.test.ts, in the text protocol.

import { underAttack } from '../support/attacks';

underAttack('common', 'false');
underAttack('textOnly', 'false');
