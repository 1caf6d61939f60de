// A typedoc plugin: guides are called what their first headings say, and modules what one imports.

import { basename } from 'node:path';

import { Converter, ReflectionKind } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, guide) => {
    const heading = /^\s*# (.+)\n/.exec(guide.content[0].text);
    if (heading === null) app.logger.warn(`${guide.name}: a guide begins with a heading, "# …"`);
    else guide.name = heading[1];
    guide.frontmatter.group = 'Guides';
  });

  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module))
      module.name = module.name === 'index' ? project.name : `${project.name}/${basename(module.name)}`;
    // The first page has the project's name as its title already.
    const [first] = project.readme ?? [];
    if (first !== undefined) first.text = first.text.replace(/^\s*# .+\n/, '');
  });
}
