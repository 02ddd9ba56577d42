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

# The release build knows what the server does often and what seldom, from a profile of it at work: it costs 5 to 16 % less CPU
# (docs/performance.md). tools/profile_release makes the profile anew; where the code has changed since, it is as if there were none.
# A function of one file has that file's name in it: without the folder, since the profile is for every checkout.
option(POSTRIDER_PROFILING "Build what writes such a profile at its end" OFF)
set(PROFILE ${PROJECT_SOURCE_DIR}/cmake/release.profdata)
set(PROFILE_NAMES "SHELL:-mllvm -static-func-full-module-prefix=false")
if(POSTRIDER_PROFILING)
  add_compile_options(-fprofile-generate ${PROFILE_NAMES})
  add_link_options(-fprofile-generate)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang"
    AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 19)
  # Under a name of its content, so that all is compiled anew when it changes.
  file(SHA256 ${PROFILE} PROFILE_HASH)
  string(SUBSTRING ${PROFILE_HASH} 0 12 PROFILE_HASH)
  configure_file(${PROFILE} ${CMAKE_BINARY_DIR}/release-${PROFILE_HASH}.profdata COPYONLY)
  target_compile_options(flags INTERFACE -fprofile-use=release-${PROFILE_HASH}.profdata ${PROFILE_NAMES}
    -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled -Wno-backend-plugin)
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
