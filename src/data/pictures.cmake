# Libraries that read pictures, where they are there: libpng, and libjpeg-turbo 2.1 or later (another
# libjpeg is not known to give the same pixels on every machine).
include(CheckCSourceCompiles)
hone_optional(PNG libpng libpng-dev src/data/image_png.c src/data/image_file.c)
pkg_check_modules(JPEG QUIET IMPORTED_TARGET libjpeg)
if(JPEG_FOUND)
  set(CMAKE_REQUIRED_LIBRARIES PkgConfig::JPEG)
  check_c_source_compiles("#include <stdio.h>
    #include <jpeglib.h>
    #if LIBJPEG_TURBO_VERSION_NUMBER < 2001000
    #error
    #endif
    int main(void) { return 0; }" HONE_JPEG_IS_TURBO)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(HONE_JPEG_IS_TURBO)
    hone_optional(JPEG libjpeg libjpeg-dev src/data/image_jpeg.c src/data/image_file.c)
  endif()
endif()
