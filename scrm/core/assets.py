"""Static files with a hash in their name (cached for ever) and a gzip beside them."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

UNUSED = [
    "*.map", "*.scss", "*.html", "*.md", "*.ts", "*.mjs", "*.esm*", "*.rtl*", "package.json", "src", "modular", "ext",
    "tabler-flags*", "tabler-marketing*", "tabler-payments*", "tabler-props*", "tabler-socials*", "tabler-theme*",
    "tabler.css", "tabler.js", "tabler-icons.css", "tabler-icons-filled*", "*-200*", "*-300*", "*-filled*",
    "echarts.js", "echarts.common*", "echarts.simple*", "Sortable.js", "htmx.js", "htmx.cjs*", "htmx.amd*",
]  # fmt: skip
"""Parts of the front-end packages that no page loads (patterns of names), left out when collecting."""


class Assets(CompressedManifestStaticFilesStorage):
    """References in style sheets are followed; those to source maps are not, since maps are not collected."""

    patterns = tuple(
        (files, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for files, rules in ManifestStaticFilesStorage.patterns
    )

    def create_compressor(self, **kwargs) -> Compressor:
        # Brotli at its strongest takes a minute here, and the package is not always there.
        return super().create_compressor(**{**kwargs, "use_brotli": False})
