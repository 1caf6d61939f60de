// A typedoc plugin for scripts/docs/api.mjs: each member is a declaration and its description, and appears once.

import { Converter } from 'typedoc';
import { MarkdownTheme, MarkdownThemeContext } from 'typedoc-plugin-markdown';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.renderer.defineTheme('compact', CompactTheme);

  // A class names the class that it extends; inherited members are described there.
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      if (reflection.isDeclaration() && reflection.inheritedFrom !== undefined) project.removeReflection(reflection);
    }
  });
}

class CompactTheme extends MarkdownTheme {
  getRenderContext(page) {
    return new CompactContext(this, page, this.application.options);
  }
}

class CompactContext extends MarkdownThemeContext {
  partials = {
    ...this.partials,
    // The declaration says the type.
    signatureReturns: () => '',
    inheritance: () => '',
  };
}
