// As binary.test.ts, where the client finds out which protocol its server speaks, if any. (Those that greet properly are
// spoken to in binary from then on.)

import { underAttack } from './support';

underAttack('common', 'auto');
