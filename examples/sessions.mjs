/**
 * An Express app whose sessions are in memcached: every process that runs this knows which users are logged in.
 *
 *     SECRET=… MEMCACHED_SERVERS=127.0.0.1:11211 PORT=3000 node examples/sessions.mjs
 *     curl -c cookies -b cookies -X POST localhost:3000/login/Ada
 *     curl -c cookies -b cookies localhost:3000/
 */

import express from 'express';
import session from 'express-session';
import { MemcachedStore } from 'libmemcached/express-session';

const hour = 60 * 60 * 1000;
const app = express();
app.use(
  session({
    store: new MemcachedStore((process.env.MEMCACHED_SERVERS ?? '127.0.0.1:11211').split(',')),
    secret: process.env.SECRET ?? 'only for this example',
    cookie: { maxAge: hour, sameSite: 'lax' }, // with HTTPS, `secure: true`, too
    resave: false,
    saveUninitialized: false,
  }),
);

app.get('/', ({ session }, response) => {
  if (session.user === undefined) {
    response.status(401).send('Who are you?\n');
    return;
  }
  session.visits += 1;
  response.send(`Hello ${session.user}, this is visit no. ${session.visits}.\n`);
});

app.post('/login/:user', (request, response, next) => {
  // A new session for a new user, so that nobody can have prepared its id.
  request.session.regenerate((error) => {
    if (error) return next(error);
    Object.assign(request.session, { user: request.params.user, visits: 0 });
    response.send(`Welcome, ${request.params.user}.\n`);
  });
});

app.post('/logout', (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.send('Bye.\n')));
});

const service = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://localhost:${service.address().port}`);
});
