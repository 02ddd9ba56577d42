# Compiler and linker flags, in one interface target that everything of ours links.
add_library(flags INTERFACE)
target_compile_options(flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
target_compile_definitions(flags INTERFACE POSTRIDER_VERSION="${PROJECT_VERSION}")
target_include_directories(flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_options(flags INTERFACE -fuse-ld=lld)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(flags INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  target_compile_definitions(flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(flags INTERFACE -Wl,-z,relro -Wl,-z,now -pie)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

# Sanitizers must be on for every object, so they are set for the whole tree by the presets.
set(POSTRIDER_SANITIZE "" CACHE STRING "Value for -fsanitize= on everything")
if(POSTRIDER_SANITIZE)
  add_compile_options(-fsanitize=${POSTRIDER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POSTRIDER_SANITIZE})
endif()
if(POSTRIDER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
